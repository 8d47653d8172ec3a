/// What a file of the commit log begins with.
enum CommitLogFile {
    static let headerByteCount = 4096
}
