import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";
import styles from "./Tabs.module.css";

interface Props<T extends string> {
  label: string;
  value: T;
  tabs: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
  /** What the chosen tab shows. */
  children: ReactNode;
}

/** Parts of a page of which one is seen. */
export function Tabs<T extends string>({ label, value, tabs, onChange, children }: Props<T>) {
  return (
    <Base.Root className={styles.tabs} value={value} onValueChange={(chosen: T) => onChange(chosen)}>
      <Base.List className={styles.list} aria-label={label}>
        {tabs.map(([tab, text]) => (
          <Base.Tab key={tab} className={styles.tab} value={tab}>
            {text}
          </Base.Tab>
        ))}
      </Base.List>
      <Base.Panel className={styles.panel} key={value} value={value}>
        {children}
      </Base.Panel>
    </Base.Root>
  );
}
