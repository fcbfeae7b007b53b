import { useEffect, useState } from "react";
import { blobOf } from "./attachments";

/** A recording to listen to. Its bytes get an address of their own, since the page's policy lets no data URL sound. */
export function Sound({ url, name }: { url: string; name: string }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(blobOf(url));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [url]);
  // biome-ignore lint/a11y/useMediaCaption: what was said in it is not known
  return <audio controls src={address} aria-label={name} />;
}
