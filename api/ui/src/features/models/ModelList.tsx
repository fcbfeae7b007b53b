import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Table } from "../../ui/Table";

/** The table around the rows of models. */
export function ModelList({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const columns = [
    t("models.uid"),
    t("models.state"),
    t("models.type"),
    t("models.engine"),
    t("models.replicas"),
    t("models.device"),
    t("models.memory"),
    t("models.inflight"),
    t("models.speed"),
    t("models.try"),
  ];
  return (
    <Table label={t("models.launched")} columns={columns}>
      {children}
    </Table>
  );
}
