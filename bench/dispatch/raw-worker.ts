/** The other side of the raw loop: reads a batch, calls nothing, writes a batch. */
import { Socket } from "node:net";

const socket = new Socket({ fd: 3 });
let rest: Buffer = Buffer.alloc(0);
socket.on("data", (chunk: Buffer) => {
  let bytes: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
  while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE(0)) {
    const end = 4 + bytes.readUInt32LE(0);
    const list = JSON.parse(bytes.toString("utf8", 4, end)) as unknown[];
    const text = JSON.stringify(list);
    const answer = Buffer.allocUnsafe(4 + text.length);
    answer.writeUInt32LE(text.length, 0);
    answer.write(text, 4);
    socket.write(answer);
    bytes = bytes.subarray(end);
  }
  rest = bytes;
});
socket.on("end", () => process.exit(0));
