import { useEffect, useRef } from "react";
import { classes } from "../lib/classes";
import styles from "./markdown.module.css";

interface Props {
  text: string;
  display?: boolean;
}

/** A formula. Until KaTeX has come, and where it finds an error, its TeX is shown. */
export function Formula({ text, display = false }: Props) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let left = false;
    import("./katex")
      .then(({ draw }) => {
        if (!left && place.current) draw(text, place.current, display);
      })
      .catch(() => {}); // a chunk that cannot be had: the TeX stays
    return () => {
      left = true;
    };
  }, [text, display]);
  // A key, so that React sets a text of its own into no element that KaTeX has filled.
  return (
    <span key={text} ref={place} className={classes(display && styles.formula)}>
      {text}
    </span>
  );
}
