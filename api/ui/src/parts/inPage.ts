/** A hint for the command line, in brackets: (--n-gpu None), (model_uid, -u), (headrace terminate -u a). */
const HINT = /\s*\((?:[^()]*[\s,])?(?:--?[a-z][\w-]*|headrace\s)[^()]*\)/gi;

/** What the server says, without its hints for the command line. Pure. */
export function inPage(message: string): string {
  return message.replace(HINT, "");
}
