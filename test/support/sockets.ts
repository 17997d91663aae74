/** Plain TCP servers on loopback that a test file closes, and a CONNECT proxy. */
import { connect, createServer, type Socket } from 'node:net';

type CloseLater = (close: () => Promise<unknown>) => void;

/** Listens on a free port of loopback and returns it. */
export function listen(closeLater: CloseLater, accept: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    accept(socket);
  });
  closeLater(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port));
  });
}

/** A CONNECT proxy that sends every host to one port of loopback and records the bytes it sees. */
export async function openProxy(closeLater: CloseLater, target: number) {
  const seen: string[] = [];
  const port = await listen(closeLater, (socket) => {
    socket.once('data', (bytes) => {
      seen.push(bytes.toString('latin1'));
      const through = connect(target, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        socket
          .on('data', (more) => seen.push(more.toString('latin1')))
          .pipe(through)
          .pipe(socket);
      }).on('error', () => socket.destroy());
      socket.on('close', () => through.destroy());
    });
  });
  return { url: new URL(`http://127.0.0.1:${port}`), seen };
}
