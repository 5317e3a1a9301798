/** Lets a request go only if the fence allows it in the moment in which it is written to its connection. */
import type { Dispatcher } from 'undici';

/** The fence did not let it go; the server has seen nothing of it. `cause` is what the fence threw. */
export class Fenced extends Error {}

/**
 * Between the call and the write lie a queue, perhaps the opening of a connection, and on a kept connection always a turn
 * of the event loop, in which the library looks whether it was closed. A process that is paused there would send when it
 * goes on, whatever has happened meanwhile. The library calls onRequestStart in the same turn as it writes; what throws
 * there is not sent, and the connection stays good.
 */
export function fencing(fence: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (...args): void => {
      try {
        fence();
      } catch (cause) {
        throw new Fenced('not sent', { cause });
      }
      start?.(...args);
    };
    return dispatch(options, handler);
  };
}
