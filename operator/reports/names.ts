/** Name of the Service, and the beginning of its Secrets' and its ConfigMap's names. */
export const REPORTS_NAME = 'migosmtp-reports';
