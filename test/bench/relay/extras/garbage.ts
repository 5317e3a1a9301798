/** Makes a process started with --inspect collect its garbage, so that what is left is in use. */

/** `log` is what the process has written: it names its debugger there. */
export async function collectGarbage(log: string): Promise<void> {
  const url = /Debugger listening on (ws:\S+)/.exec(log)?.[1];
  if (url === undefined) throw new Error('the process has no debugger');
  const socket = new WebSocket(url);
  try {
    await once(socket, 'open');
    for (let id = 1; id <= 2; id++) {
      const answered = once(socket, 'message');
      socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
      await answered;
    }
  } finally {
    socket.close();
  }
}

function once(socket: WebSocket, event: 'open' | 'message'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(event, () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error('the debugger does not answer')), { once: true });
  });
}
