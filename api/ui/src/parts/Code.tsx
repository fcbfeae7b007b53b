import styles from "./Code.module.css";
import { CopyButton } from "./CopyButton";

/** A program or a command, to be copied. */
export function Code({ title, text }: { title: string; text: string }) {
  return (
    <div className={styles.code}>
      <div className={styles.head}>
        <strong>{title}</strong>
        <CopyButton text={text} what={title} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <pre className={styles.text} tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
