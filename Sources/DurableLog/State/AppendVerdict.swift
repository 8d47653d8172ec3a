/// How an append is judged, in the order that the protocol asks for: closed, media type, producer, sequence value.
enum AppendVerdict {
    case accept
    /// Nothing is to be stored; this is the answer.
    case answer(AppendReceipt)
    case refuse(StreamStoreError)

    init(_ options: AppendOptions, hasMessages: Bool, in state: StreamState) {
        guard !state.isDeleted else {
            self = .refuse(.deleted)
            return
        }
        guard hasMessages || options.closes else {
            self = .refuse(.empty)
            return
        }
        if state.isClosed {
            self = Self.ofClosed(options, hasMessages: hasMessages, state)
            return
        }
        if hasMessages, let type = options.contentType, !state.definition.hasSameType(as: type) {
            self = .refuse(.typeConflict(expected: state.definition.contentType))
            return
        }
        if let producer = options.producer {
            switch ProducerVerdict(producer, in: state) {
            case .accept: break
            case .repetition(let position):
                self = .answer(Self.repetition(in: state, producer: position))
                return
            case .refuse(let error):
                self = .refuse(error)
                return
            }
        }
        if let sequence = options.sequence, let last = state.sequence,
            !last.utf8.lexicographicallyPrecedes(sequence.utf8)
        {
            self = .refuse(.sequenceConflict(last: last, tail: state.tailOffset))
            return
        }
        self = .accept
    }

    private static func ofClosed(_ options: AppendOptions, hasMessages: Bool, _ state: StreamState) -> AppendVerdict {
        if let producer = options.producer {
            guard producer == state.closingTuple else { return .refuse(.closed(tail: state.tailOffset)) }
            return .answer(
                repetition(
                    in: state,
                    producer: ProducerPosition(epoch: producer.epoch, sequence: producer.sequence)
                )
            )
        }
        guard !hasMessages, options.closes else { return .refuse(.closed(tail: state.tailOffset)) }
        return .answer(repetition(in: state, producer: nil))
    }

    private static func repetition(in state: StreamState, producer: ProducerPosition?) -> AppendReceipt {
        AppendReceipt(
            start: state.tailOffset,
            tail: state.tailOffset,
            isRepetition: true,
            isClosed: state.isClosed,
            producer: producer,
            duplicates: []
        )
    }
}
