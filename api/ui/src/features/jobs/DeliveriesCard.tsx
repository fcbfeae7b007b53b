import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { deliveriesQuery } from "../../api/jobs";
import { moment } from "../../lib/times";
import { Failure } from "../../parts/Failure";
import { Card } from "../../ui/Card";
import { Status } from "../../ui/Status";
import { Table } from "../../ui/Table";

const TONES = { pending: "warn", delivered: "good", failed: "bad" } as const;

/** The webhooks that a job caused, with the last attempt to deliver each. */
export function DeliveriesCard({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const { data, error, refetch } = useQuery(deliveriesQuery(id));
  const columns = ["what", "url", "stateName", "attempts", "last"] as const;
  return (
    <Card title={t("jobs.delivery.title")}>
      {error && <Failure error={error} again={refetch} />}
      {data?.data.length === 0 && <p>{t("jobs.delivery.none")}</p>}
      {data && data.data.length > 0 && (
        <Table label={t("jobs.delivery.title")} columns={columns.map((one) => t(`jobs.delivery.${one}`))}>
          {data.data.map((one) => {
            const last = one.attempts.at(-1);
            return (
              <tr key={one.id}>
                <td>{one.type}</td>
                <td>{one.url}</td>
                <td>
                  <Status tone={TONES[one.state]}>{t(`jobs.delivery.state.${one.state}`)}</Status>
                </td>
                <td>{one.attempts.length}</td>
                <td>{last ? `${moment(last.at * 1000, i18n.language)} · ${last.error ?? last.status}` : "–"}</td>
              </tr>
            );
          })}
        </Table>
      )}
    </Card>
  );
}
