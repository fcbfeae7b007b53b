import { useTranslation } from "react-i18next";
import type { MachineFacts } from "../../api/types";
import { bytes, decimal } from "../../lib/numbers";
import { MemoryBar } from "../../ui/MemoryBar";
import styles from "./Cluster.module.css";

interface Props {
  machine: MachineFacts;
  /** The part of its processors that is in use, from 0 to 1; null: not known. */
  cpu: number | null;
}

/** How much of a machine is in use: its processors, its memory, and the disk of its home folder. */
export function Gauges({ machine, cpu }: Props) {
  const { t, i18n } = useTranslation();
  const size = (count: number) => bytes(count, i18n.language);
  const number = (value: number, digits = 1) => decimal(value, i18n.language, digits);
  const { cpu_count: count, load, memory_bytes: memory, disk_bytes: disk } = machine;
  const busy = cpu === null ? "" : t("devices.percent", { number: number(100 * cpu, 0) });
  const [memoryFree, diskFree] = [machine.memory_free_bytes, machine.disk_free_bytes];
  return (
    <div className={styles.gauges}>
      {count !== null && (
        <div>
          <h3>{t("cluster.processors")}</h3>
          {cpu !== null && <Bar label={busy} part={cpu} />}
          <p>
            {[busy, t("cluster.count", { count }), load !== null && t("cluster.load", { load: number(load) })]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </div>
      )}
      {memory !== null && (
        <div>
          <h3>{t("cluster.memory")}</h3>
          {memoryFree === null && <p>{size(memory)}</p>}
          {memoryFree !== null && <Filled free={memoryFree} whole={memory} size={size} />}
        </div>
      )}
      {disk !== null && (
        <div>
          <h3>{t("cluster.disk")}</h3>
          {diskFree === null && <p>{size(disk)}</p>}
          {diskFree !== null && <Filled free={diskFree} whole={disk} size={size} />}
        </div>
      )}
    </div>
  );
}

function Filled({ free, whole, size }: { free: number; whole: number; size: (count: number) => string }) {
  const { t } = useTranslation();
  const said = t("cluster.free", { free: size(free), whole: size(whole) });
  return (
    <>
      <Bar label={said} part={(whole - free) / Math.max(whole, 1)} />
      <p>{said}</p>
    </>
  );
}

function Bar({ label, part }: { label: string; part: number }) {
  return <MemoryBar label={label} total={1000} parts={[{ name: label, bytes: 1000 * part, kind: "held" }]} />;
}
