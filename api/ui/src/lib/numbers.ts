const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes, as the command line writes it: 1.5 GiB. */
export function bytes(count: number, language: string): string {
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit < 2 || value >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${UNITS[unit]}`;
}

/** A number with at most so many digits after the point. */
export function decimal(value: number, language: string, digits = 1): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** A number of parameters, of which `billions` are given: 600M, 7B. */
export function parameters(billions: number, language: string): string {
  return billions < 1 ? `${decimal(billions * 1000, language, 0)}M` : `${decimal(billions, language, 2)}B`;
}
