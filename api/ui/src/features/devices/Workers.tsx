import { useTranslation } from "react-i18next";
import type { Device, LostDevice } from "../../api/types";
import { lasting } from "../../lib/times";
import { Card } from "../../ui/Card";
import { Status } from "../../ui/Status";
import { Table } from "../../ui/Table";

interface Props {
  devices: readonly Device[];
  lost: readonly LostDevice[];
}

const TONES = { reports: "good", draining: "warn", silent: "warn", lost: "bad" } as const;

/** Whether the worker of each device lives, those that were lost first, and what to do about these. */
export function Workers({ devices, lost }: Props) {
  const { t, i18n } = useTranslation();
  const all = [...lost.map((device) => ({ ...device, worker: "lost" as const })), ...devices];
  const columns = [t("devices.device"), t("devices.worker"), t("devices.seen"), t("devices.replicas")];
  return (
    <Card title={t("devices.workers")}>
      {all.length === 0 && <p>{t("devices.none")}</p>}
      {lost.length > 0 && <p>{t("devices.lostNext")}</p>}
      {all.length > 0 && (
        <Table label={t("devices.workers")} columns={columns}>
          {all.map(({ id, worker, silent_s, replicas }) => (
            <tr key={id}>
              <td>{id}</td>
              <td>
                <Status tone={TONES[worker]}>{t(`devices.state.${worker}`)}</Status>
              </td>
              <td>
                {worker === "reports" ? t("devices.now") : t("devices.ago", { time: lasting(silent_s, i18n.language) })}
              </td>
              <td>{replicas}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
