// A DNS server on a port of its own, with the TXT and CNAME records that a test publishes.
import { createSocket } from "node:dgram";

const TYPES = { TXT: 16, CNAME: 5 };
const NXDOMAIN = 3;

function nameOf(message, offset) {
  const labels = [];
  while (message[offset] !== 0) {
    labels.push(message.toString("ascii", offset + 1, offset + 1 + message[offset]));
    offset += 1 + message[offset];
  }
  return { name: labels.join(".").toLowerCase(), end: offset + 1 };
}

const encoded = (name) => Buffer.concat([...name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0])]);

/** An answer to a question, with a pointer to its name. */
function answerTo(message, records) {
  const { name, end } = nameOf(message, 12);
  const type = message.readUInt16BE(end);
  const found = records.filter((record) => record.name === name && TYPES[record.type] === type);
  const header = Buffer.from([message[0], message[1], 0x81, 0x80 | (found.length ? 0 : NXDOMAIN), 0, 1, 0, found.length, 0, 0, 0, 0]);
  const answers = found.map(({ value }) => {
    const data = type === TYPES.TXT ? Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]) : encoded(value);
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0xc00c, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt32BE(60, 6);
    head.writeUInt16BE(data.length, 10);
    return Buffer.concat([head, data]);
  });
  return Buffer.concat([header, message.subarray(12, end + 4), ...answers]);
}

/**
 * Starts a DNS server for a stage, as `prepare`. `stage.zone` is the list of records `{ type, name, value }`, to be changed at any time.
 *
 * @returns {Promise<Record<string, string>>} The portal's settings.
 */
export async function serveDns(stage) {
  stage.zone = [];
  const socket = createSocket("udp4");
  socket.on("message", (message, peer) => socket.send(answerTo(message, stage.zone), peer.port, peer.address));
  await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  stage.later(() => new Promise((resolve) => socket.close(resolve)));
  return { DEZKY_DNS_SERVERS: `127.0.0.1:${socket.address().port}`, DEZKY_DNSSEC: "false" };
}
