import Collector
import CollectorHTTP
import Destinations
import RedisStreamsDestination

/// What a flow may name: every type of destination and source that this program has.
enum KnownTypes {
    static let destinations = [DestinationType.redis] + BuiltInDestinations.types
    static let sources = [SourceType.express, SourceType.fetch]
}
