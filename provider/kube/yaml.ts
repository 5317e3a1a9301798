/** The YAML parser by itself: most of what the provider's code weighs, and wanted for YAML kubeconfigs only. */
export { parse as parseYaml } from 'yaml';
