// A relay on Node's ws: `node ws_relay.js PORT [CERTIFICATE KEY]`.
//
// Devices that open the same path are in one room, and get what the others of it send.

const fs = require("fs");
const http = require("http");
const https = require("https");
const { WebSocketServer } = require("ws");

const [port, certificate, key] = process.argv.slice(2);
const rooms = new Map();

const server = key
  ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
  : http.createServer();

new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (device, request) => {
  if (!rooms.has(request.url)) rooms.set(request.url, new Set());
  const room = rooms.get(request.url);
  room.add(device);
  device.on("message", (message, isBinary) => {
    for (const other of room) if (other !== device) other.send(message, { binary: isBinary });
  });
  device.on("close", () => room.delete(device));
});

server.listen(Number(port), "127.0.0.1", 1024);
