import { useMemo } from "react";
import { blobOf } from "../../lib/files";
import { Player } from "../../parts/Player";

/** A recording of a message, to listen to. */
export function Sound({ url, name }: { url: string; name: string }) {
  const sound = useMemo(() => blobOf(url), [url]);
  return <Player sound={sound} name={name} />;
}
