/** Reads relay.yaml into the process configuration; every failure is one line that names file and field. */
import { readFile } from 'node:fs/promises';
import { relayApi } from '@migosmtp/operator/api';
import { parse } from 'yaml';
import { RelayError } from './errors.ts';

export async function loadConfig(file: string): Promise<relayApi.RelayProcessConfig> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new RelayError('R_CONFIG_UNREADABLE', { file }, cause);
  });
  return parseConfig(text, file);
}

export function parseConfig(text: string, file: string): relayApi.RelayProcessConfig {
  const result = relayApi.relayProcessSchema.safeParse(parseYaml(text, file));
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new RelayError('R_CONFIG_INVALID', {
      file,
      path: issue?.path.map(String).join('.') || '(root)',
      cause: issue?.message ?? 'invalid',
    });
  }
  return result.data;
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (cause) {
    throw new RelayError('R_CONFIG_SYNTAX', { file }, cause);
  }
}
