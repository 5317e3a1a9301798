/** Jest transformer: the same type stripping that Node applies to our sources at run time. */
import { stripTypeScriptTypes } from 'node:module';

export default {
  process(source) {
    return { code: stripTypeScriptTypes(source, { mode: 'strip' }) };
  },
  getCacheKey(source, path) {
    return `${process.version}:${path}:${source}`;
  },
};
