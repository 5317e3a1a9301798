import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../cluster/index.ts';
import type { App } from './demo/app.ts';
import { runDemo } from './demo/run.ts';
import type { Steps } from './demo/steps.ts';
import { terraform } from './demo/terraform.ts';
import type { World } from './demo/world.ts';
import { filePlaces, findSecrets, objectPlaces, scanFaults, type Place } from './secret-scan.ts';

/** Never issued: stands for a password that somebody let slip. */
const PLANT = 'pLaNt3dVa1ueThatN0b0dyEverIssued';

const watching = new AbortController();
const passwords = new Set<string>();
const printed: string[] = [];
const places: Place[] = [];
let steps: Steps;

beforeAll(async () => {
  steps = await runDemo({
    isKept: false,
    isTraced: true,
    print: (line) => {
      printed.push(line);
      process.stdout.write(`${line}\n`);
    },
    onStart: (world) => void recordPasswords(world.cluster),
    beforeDestroy: async (world, app) => {
      places.push(...(await objectPlaces(world.cluster)));
      places.push(...(await planPlaces(world, app)));
    },
    beforeTakeDown: async (world) => {
      places.push(...filePlaces(world.cluster.paths.logs, 'log'));
      places.push(...filePlaces(join(world.folder, 'app'), 'stack'));
      places.push(filePlace(world, 'terraform-output.log', 'smtpuser_'));
      places.push(filePlace(world, 'terraform-trace.log', 'migosmtp_smtp_account'));
      places.push({ name: 'stdout of the demo', text: printed.join('\n'), control: 'orders@shop.example' });
    },
  });
}, 900_000);

afterAll(() => watching.abort());

test('every step of the demo succeeds, each within its promised time', () => {
  expect(steps.broken).toEqual([]);
  expect(steps.records.length).toBeGreaterThanOrEqual(14);
});

test('the passwords of the run were seen: issued, rotated, reset', () => {
  expect(passwords.size).toBeGreaterThanOrEqual(4);
  for (const password of passwords) expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
});

test('places of every sort were read, and a password planted in any of them is found', () => {
  const names = places.map((place) => place.name).join('\n');
  const state = places.find((place) => place.name.endsWith('tfstate'));
  expect(state?.text).toContain('smtpuser_');
  for (const sort of [
    'events ',
    'smtpaccounts ',
    'pods ',
    'secrets ',
    'planned ',
    'audit.jsonl',
    'kube-apiserver.log',
    'node-agent.log',
    'pods/migosmtp-system/',
    'pods/shop/',
  ]) {
    expect(names).toContain(sort);
  }
  expect(scanFaults(places, PLANT)).toEqual([]);
});

test('no password stands in state, plan, TRACE log, stdout of any process, events, status or managedFields', () => {
  const megabytes = places.reduce((sum, place) => sum + place.text.length, 0) / 1e6;
  process.stdout.write(
    `searched ${places.length} places, ${megabytes.toFixed(1)} MB, for ${passwords.size} passwords in every written form\n`,
  );
  expect(findSecrets(places, [...passwords])).toEqual([]);
});

/** Watch the credentials Secrets from the beginning: every password that is ever published. */
async function recordPasswords(cluster: Cluster): Promise<void> {
  const query = '/api/v1/secrets?watch=true&fieldSelector=type=servicebinding.io/smtp';
  try {
    for await (const event of cluster.api.watch<{ data?: Record<string, string> }>(query, watching.signal)) {
      const encoded = event.object.data?.['password'];
      if (encoded !== undefined) passwords.add(Buffer.from(encoded, 'base64').toString());
    }
  } catch {
    // The watch ends with the cluster.
  }
}

/** The last saved plan, as terraform shows it and unpacked (the file itself is a zip). */
async function planPlaces(world: World, app: App): Promise<Place[]> {
  const shown = await terraform(['show', '-json', app.planFile], app.terraform);
  const folder = join(world.folder, 'plan');
  mkdirSync(folder);
  await world.cluster.exec(['/usr/bin/python3', '-m', 'zipfile', '-e', app.planFile, folder], {
    packages: ['python3'],
  });
  writeFileSync(join(folder, 'show.json'), shown);
  return filePlaces(folder, 'planned', undefined);
}

function filePlace(world: World, file: string, control: string): Place {
  return { name: file, text: readFileSync(join(world.folder, file), 'latin1'), control };
}
