import { useRef } from "react";
import { Button } from "./Button";

interface Props {
  label: string;
  /** Which are offered: types or endings. All, where it is left out. */
  accept?: string;
  /** Whether one is chosen at most. */
  takesOne?: boolean;
  onFiles: (files: File[]) => void;
}

/** Chooses among the reader's files. */
export function FilePicker({ label, accept, takesOne = false, onFiles }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept={accept}
        multiple={!takesOne}
        hidden
        aria-label={label}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <Button onClick={() => input.current?.click()}>{label}</Button>
    </>
  );
}
