import NIOCore
import NIOSSL
import NIOTLS
import TearoffProtocol

/// Ends a connection whose handshake fails, or takes too long, and tells why. Leaves the pipeline behind a handshake
/// that succeeded, so that it costs an established connection nothing.
final class HandshakeGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    private let server: ServerState
    private var deadline: Scheduled<Void>?

    init(server: ServerState) { self.server = server }

    func handlerAdded(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(ServerLimits.handshakeSeconds)) {
            self.fail(context, "it was not done within \(ServerLimits.handshakeSeconds) s")
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case .handshakeCompleted? = event as? TLSUserEvent {
            deadline?.cancel()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        deadline?.cancel()
        fail(context, HandshakeReason.word(in: "\(error)"))
    }

    private func fail(_ context: ChannelHandlerContext, _ reason: String) {
        server.noteFailedHandshake(with: context.channel.remoteAddress?.ipAddress ?? "", reason)
        context.close(promise: nil)
    }
}
