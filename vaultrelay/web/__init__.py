"""The pages beside the WebSocket, on twisted.web."""
