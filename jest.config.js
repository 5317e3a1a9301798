/** Tests run the sources as Node does: types are stripped, nothing else is transformed. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': './test/support/strip-types.js' },
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/.gen/', '/cdktf.out/', '/.state/'],
  modulePathIgnorePatterns: ['/dist/', '/.gen/', '/cdktf.out/', '/.state/'],
  testTimeout: 30_000,
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
};
