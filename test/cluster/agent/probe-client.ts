import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { HttpProbe } from './helper-protocol.ts';

interface Where {
  host: string;
  port: number;
  timeoutMs: number;
}

/** @returns undefined when the port accepts a connection, else why not */
export function probeTcp({ host, port, timeoutMs }: Where): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (failure?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(failure);
    };
    const timer = setTimeout(() => end(`no connection in ${timeoutMs} ms`), timeoutMs);
    socket.once('connect', () => end());
    socket.once('error', (error) => end(error.message));
  });
}

/** @returns undefined for a status from 200 to 399, else why not; certificates are not checked, as by a kubelet */
export function probeHttp({ host, port, timeoutMs }: Where, http: HttpProbe): Promise<string | undefined> {
  return new Promise((resolve) => {
    const open = http.scheme === 'https' ? requestHttps : requestHttp;
    const headers = {
      'user-agent': 'kube-probe/migosmtp',
      accept: '*/*',
      connection: 'close',
      ...http.headers,
    };
    const request = open({ host, port, path: http.path, headers, rejectUnauthorized: false, agent: false });
    const end = (failure?: string) => {
      clearTimeout(timer);
      request.destroy();
      resolve(failure);
    };
    const timer = setTimeout(() => end(`no answer in ${timeoutMs} ms`), timeoutMs);
    request.once('response', (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      end(status >= 200 && status < 400 ? undefined : `HTTP probe failed with status ${status}`);
    });
    request.on('error', (error) => end(error.message));
    request.end();
  });
}
