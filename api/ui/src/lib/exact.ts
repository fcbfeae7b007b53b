const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/** JSON, in which integers beyond those that a number holds exactly become their digits. Throws where it is no JSON. */
export function exactly(json: string): unknown {
  const isLost = (token: string) => /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
  return JSON.parse(json.replace(TOKEN, (token) => (isLost(token) ? `"${token}"` : token)));
}
