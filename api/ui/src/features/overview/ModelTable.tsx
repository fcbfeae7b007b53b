import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { ModelStatus } from "../../parts/ModelStatus";
import { TryLinks } from "../../parts/TryLinks";
import { TypeName } from "../../parts/TypeName";
import { Table } from "../../ui/Table";

/** The models that were launched. */
export function ModelTable({ models }: { models: readonly Model[] }) {
  const { t } = useTranslation();
  const columns = [
    t("models.uid"),
    t("models.type"),
    t("models.engine"),
    t("models.replicas"),
    t("models.state"),
    t("models.try"),
  ];
  return (
    <Table label={t("models.title")} columns={columns}>
      {models.map((model) => (
        <tr key={model.id}>
          <td>
            <Link to="/models/$uid" params={{ uid: model.id }}>
              {model.id}
            </Link>
          </td>
          <td>
            <TypeName type={model.model_type} />
          </td>
          <td>{model.model_engine}</td>
          <td>{model.replica}</td>
          <td>
            <ModelStatus state={model.state} />
          </td>
          <td>{model.state !== "failed" && <TryLinks model={model} most={1} />}</td>
        </tr>
      ))}
    </Table>
  );
}
