/** Declares mail for a workspace, and the shop that sends it. `node main.ts` writes both to cdktf.out. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'cdktf';
import { stringify } from 'yaml';
import { MailStack } from './mail-stack.ts';
import { readSettings } from './settings.ts';
import { shopManifests } from './shop.ts';

const app = new App({ stackTraces: false });
const settings = readSettings(app);
const { checkout } = new MailStack(app, 'mail', settings);
app.synth();

const folder = join(app.outdir, 'kubernetes');
mkdirSync(folder, { recursive: true });
const manifests = shopManifests(checkout, settings).map((manifest) =>
  stringify(manifest, { blockQuote: 'literal', lineWidth: 0 }),
);
writeFileSync(join(folder, 'shop.yaml'), manifests.join('---\n'));
