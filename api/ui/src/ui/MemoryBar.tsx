import styles from "./MemoryBar.module.css";

interface Props {
  /** What it says in words, for those who do not see it. */
  label: string;
  total: number;
  parts: readonly { name: string; bytes: number; kind: "held" | "reserved" | "other" }[];
}

/** A device's memory as a bar; the rest is free. Beside it stands the same in words or in a table. */
export function MemoryBar({ label, total, parts }: Props) {
  return (
    <div className={styles.bar} role="img" aria-label={label}>
      {parts.map((part) => (
        <span
          key={`${part.kind} ${part.name}`}
          className={`${styles.part} ${styles[part.kind]}`}
          title={part.name}
          style={{ width: `${(100 * part.bytes) / Math.max(total, 1)}%` }}
        />
      ))}
    </div>
  );
}
