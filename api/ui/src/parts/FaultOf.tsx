import { ApiError } from "../api/errors";
import { Told } from "./Told";

/** What an error says, for the place where it is to be mended. */
export function FaultOf({ error }: { error: Error | null }) {
  return error && <Told text={error.message} reasons={error instanceof ApiError ? error.reasons : []} />;
}
