import Glibc

// MARK: - Writing

extension RedisConnectionLoop {
    /// Writes what may be written.
    ///
    /// False: the connection broke.
    func write() -> Bool {
        isWriteBlocked = false
        guard let connection else { return true }
        let transport = connection.transport
        if let error = transport.flush() {
            disconnect(error)
            return false
        }
        while let next = machine.nextWrite {
            let transfer =
                switch next {
                case .handshake(let index): handshake.bytes[index...].withUnsafeBytes { transport.write($0) }
                case .commands(let range):
                    log.withBytes(from: range.lowerBound) { bytes in
                        transport.write(UnsafeRawBufferPointer(rebasing: bytes.prefix(range.count)))
                    }
                case .quit(let index):
                    RedisConnectionStateMachine.quitBytes[index...].withUnsafeBytes { transport.write($0) }
                }
            switch transfer {
            case .bytes(let count):
                machine.wrote(count)
            case .wouldBlock:
                isWriteBlocked = true
                return true
            case .failed(let error):
                // What Redis said before it closed explains more than the broken pipe.
                guard readReplies(connection) else { return false }
                disconnect(error)
                return false
            }
        }
        return true
    }
}

// MARK: - Sleeping and reading

extension RedisConnectionLoop {
    func sleep(until wakeAt: ContinuousClock.Instant?) {
        // While the socket takes no bytes, new commands could not be written: nobody needs to wake this thread.
        let maySleep = isWriteBlocked || core.prepareToSleep()
        let wantsWrite = isWriteBlocked || connection?.transport.wantsWrite == true
        var descriptors = (
            pollfd(fd: core.wakeUp.readDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(
                fd: connection?.transport.descriptor ?? -1,
                events: Int16(wantsWrite ? POLLIN | POLLOUT : POLLIN),
                revents: 0
            )
        )
        withUnsafeMutableBytes(of: &descriptors) { bytes in
            _ = poll(bytes.assumingMemoryBound(to: pollfd.self).baseAddress, 2, maySleep ? milliseconds(to: wakeAt) : 0)
        }
        if descriptors.0.revents != 0 { core.wakeUp.drain() }
        guard let connection, descriptors.1.revents != 0 else { return }
        if machine.isConnecting {
            goOnConnecting(connection)
        } else if descriptors.1.revents & ~Int16(POLLOUT) != 0 {
            _ = readReplies(connection)
        }
    }

    // Rounded up, so that the time has come when poll returns.
    private func milliseconds(to instant: ContinuousClock.Instant?) -> Int32 {
        guard let instant else { return -1 }
        return Int32(clamping: max(0, (instant - .now).inMilliseconds + 1))
    }

    /// Reads what the socket has and completes what it answers.
    ///
    /// False: the connection is gone.
    func readReplies(_ connection: RedisConnection) -> Bool {
        while true {
            switch connection.transport.read(into: readBuffer) {
            case .wouldBlock:
                return true
            case .failed(let error):
                disconnect(error)
                return false
            case .bytes(let count):
                guard take(UnsafeRawBufferPointer(rebasing: readBuffer[..<count]), connection.reader) else {
                    return false
                }
                // TLS may hold more than fits; the socket would not become readable for it.
                if count < readBuffer.count { return true }
            }
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ reader: HiredisReader) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let piece = min(rest.count, Self.feedBytes)
            reader.feed(UnsafeRawBufferPointer(rebasing: rest[..<piece]))
            rest = UnsafeRawBufferPointer(rebasing: rest[piece...])
            guard takeReplies(reader) else { return false }
        }
        log.release(upTo: machine.window.answered)
        return true
    }

    private func takeReplies(_ reader: HiredisReader) -> Bool {
        let now = ContinuousClock.now
        while true {
            switch reader.nextReply() {
            case .incomplete:
                return true
            case .tooLarge(let error):
                machine.replyTooLarge(error)
                disconnect(error)
                return false
            case .violation(let error):
                disconnect(error)
                return false
            case .reply:
                guard takeReply(now: now) else { return false }
            }
        }
    }

    private func takeReply(now: ContinuousClock.Instant) -> Bool {
        let builder = builder
        switch machine.received({ builder.pointee.lastReply ?? .null }, now: now) {
        case .answered(let finishesBatch):
            if builder.pointee.lastIsError { noteErrorReply() }
            if finishesBatch { completeFirstBatch() }
            return true
        case .handshakeGoesOn:
            builder.pointee.removeLastReply()
            return true
        case .becameReady:
            builder.pointee.removeLastReply()
            becameReady()
            return true
        case .quitAnswered:
            builder.pointee.removeLastReply()
            return false
        case .refused(let error), .unsolicited(let error):
            builder.pointee.removeLastReply()
            disconnect(error)
            return false
        }
    }
}

// MARK: - Completing

extension RedisConnectionLoop {
    // Some errors say that another connection is needed: this one leads to the wrong server or the wrong user.
    private func noteErrorReply() {
        guard case .error(let text)? = builder.pointee.lastReply, RedisErrorClassification(text).needsNewConnection
        else { return }
        machine.reconnect(RedisError(.connectionFailed, "Redis answered \(text)"))
    }

    private func completeFirstBatch() {
        guard let batch = batches.popFirst() else { return }
        account()
        let replies = builder.pointee.take(commandCount: batch.commandCount)
        batch.completion(replies)
        builder.pointee.recycle(replies)
    }

    private func account() {
        core.account(
            answered: .init(bytes: machine.window.answered, commands: machine.window.answeredCommandCount)
        )
    }

    func fail(batchCount: Int, _ error: RedisError) {
        account()
        for _ in 0..<batchCount {
            guard let batch = batches.popFirst() else { break }
            let replies = builder.pointee.take(commandCount: batch.commandCount, failure: error)
            batch.completion(replies)
        }
        log.release(upTo: machine.window.answered)
    }
}
