/// What an idempotent producer's tuple means for a stream.
enum ProducerVerdict: Equatable {
    case accept
    /// It was appended before; the producer is here.
    case repetition(ProducerPosition)
    case refuse(StreamStoreError)

    init(_ tuple: ProducerTuple, in state: StreamState) {
        guard let position = state.producers[tuple.id] else {
            self =
                tuple.sequence == 0
                ? .accept : .refuse(.producerGap(expected: 0, received: tuple.sequence, tail: state.tailOffset))
            return
        }
        if tuple.epoch < position.epoch {
            self = .refuse(.staleEpoch(current: position.epoch, tail: state.tailOffset))
        } else if tuple.epoch > position.epoch {
            self = tuple.sequence == 0 ? .accept : .refuse(.epochStart(tail: state.tailOffset))
        } else if tuple.sequence <= position.sequence {
            self = .repetition(position)
        } else if tuple.sequence == position.sequence + 1 {
            self = .accept
        } else {
            self = .refuse(
                .producerGap(expected: position.sequence + 1, received: tuple.sequence, tail: state.tailOffset)
            )
        }
    }
}
