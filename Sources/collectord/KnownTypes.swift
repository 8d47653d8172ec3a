import Collector
import CollectorHTTP
import Destinations
import RedisStreamsDestination
import SQLiteDestination
import Stores

/// What a flow may name: every type of step that this program has.
enum KnownTypes {
    static let destinations = [DestinationType.redis, .sqlite] + BuiltInDestinations.types
    static let sources = [SourceType.express, SourceType.fetch]
    static let transformers = TransformerType.builtIn
    static let stores = [StoreType.memory, StoreType.files]
}
