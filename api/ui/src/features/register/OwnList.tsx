import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { Table } from "../../ui/Table";
import { again, freeName } from "./again";
import type { Draft } from "./draft";
import { OwnRow } from "./OwnRow";
import { ownQuery } from "./queries";

interface Props {
  onDraft: (draft: Draft) => void;
  onDone: (said: string) => void;
}

/** The models that were registered here. */
export function OwnList({ onDraft, onDone }: Props) {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery(ownQuery);
  const columns = [t("models.uid"), t("models.type"), t("register.sources"), t("register.actions")];
  const names = (data ?? []).map((one) => one.model_name);
  return (
    <Card title={t("register.own")}>
      {error && <Failure error={error} again={refetch} />}
      {isPending && !error && <Loading />}
      {data?.length === 0 && <p>{t("register.none")}</p>}
      {data && data.length > 0 && (
        <Table label={t("register.own")} columns={columns}>
          {data.map((one) => (
            <OwnRow
              key={`${one.model_type} ${one.model_name}`}
              own={one}
              onDone={onDone}
              onAgain={() =>
                onDraft({ type: one.model_type, text: again({ ...one }, freeName(one.model_name, names)) })
              }
            />
          ))}
        </Table>
      )}
    </Card>
  );
}
