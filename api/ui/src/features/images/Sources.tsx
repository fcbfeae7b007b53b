import styles from "./Images.module.css";
import { MaskEditor } from "./MaskEditor";
import { type Files, factsOf, type Mode } from "./modes";
import { roleOf } from "./roles";
import { Source } from "./Source";

interface Props {
  mode: Mode;
  files: Files;
  /** Changes when all was filled in anew. */
  filled: number;
  onFiles: (files: Files) => void;
}

/** The pictures that go along with a request, and the mask over the one that is repainted. */
export function Sources({ mode, files, filled, onFiles }: Props) {
  const { image } = files;
  return (
    <div className={styles.sources}>
      {factsOf(mode).files.map((name) => {
        const role = roleOf(mode, name);
        if (!role)
          return (
            image && (
              <MaskEditor
                key={`${filled} ${image}`}
                image={image}
                given={files.mask}
                onMask={(mask) => onFiles({ ...files, mask })}
              />
            )
          );
        return (
          <Source
            key={name}
            role={role}
            image={files[name]}
            isShown={mode !== "inpaint"}
            onImage={(next) => onFiles({ ...files, [name]: next, ...(name === "image" && { mask: null }) })}
          />
        );
      })}
    </div>
  );
}
