/** A request to a model, as an example. `call` and `print`: the same with OpenAI's Python client, which not all have. */
export interface Example {
  path: string;
  body: Record<string, unknown>;
  /** A file that goes along as a form's field `file`. */
  upload?: string;
  /** Where the answer is no JSON: the file to keep it in. */
  save?: string;
  call?: string;
  print?: string;
  /** The fields of the body that OpenAI's client does not know. */
  beyond?: readonly string[];
}
