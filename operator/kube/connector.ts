/** Opens connections within a time that is counted while the process is paused, too. */
import { buildConnector, errors } from 'undici';

/**
 * The library's own limit counts ticks, and none while the process stands still: a write that waited for its connection
 * would be sent by a process that was paused past its lease. The lease is renewed in time to leave room for this limit.
 */
export function connectorWithin(
  limitMs: number,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  const connect = buildConnector({ ...options, timeout: limitMs });
  return (target, done) => {
    const startedAt = performance.now();
    connect(target, (...[failure, socket]) => {
      if (failure !== null) {
        done(failure, null);
      } else if (performance.now() - startedAt > limitMs) {
        socket.destroy();
        done(new errors.ConnectTimeoutError(`connected later than after ${limitMs} ms`), null);
      } else {
        done(null, socket);
      }
    });
  };
}
