import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueModel } from "../../api/types";
import { useAdmin } from "../../parts/useAdmin";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Select } from "../../ui/Select";
import { Table } from "../../ui/Table";
import { linesOf } from "./lines";
import { type LineFilters, lineFiltersOf } from "./search";
import { useWords } from "./useWords";
import styles from "./WeightsCard.module.css";
import { WeightsRow } from "./WeightsRow";

const FIRST = 20;

/** Each size, format and quantisation of a model: what it takes, whether it fits, and the way to launch it. */
export function WeightsCard({ model, filters }: { model: CatalogueModel; filters: LineFilters }) {
  const { t } = useTranslation();
  const words = useWords();
  const admin = useAdmin();
  const navigate = useNavigate();
  const lines = linesOf(model.weights, filters);
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? lines : lines.slice(0, FIRST);
  const show = (change: Record<string, unknown>) =>
    void navigate({
      to: "/catalogue/$name",
      params: (before) => ({ ...before, name: model.name }),
      search: lineFiltersOf({ ...filters, ...change }),
      replace: true,
      resetScroll: false,
    });
  const sizes = model.sizes.map((size) => [String(size), words.size(size)] as const);
  const columns = [
    t("catalogue.size"),
    t("catalogue.format"),
    t("catalogue.quantization"),
    t("catalogue.engine"),
    t("catalogue.memory"),
    t("catalogue.download"),
    t("catalogue.onThisMachine"),
    ...(admin ? [t("catalogue.launch")] : []),
  ];
  return (
    <Card title={t("catalogue.weights")}>
      <div className={styles.filters}>
        {sizes.length > 1 && (
          <Select
            label={t("catalogue.size")}
            value={filters.size === undefined ? "" : String(filters.size)}
            options={[["", t("models.any")], ...sizes]}
            onChange={(size) => show({ size: size === "" ? undefined : Number(size) })}
          />
        )}
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={filters.fits ?? false}
            onChange={(event) => show({ fits: event.target.checked })}
          />
          {t("catalogue.only.fits")}
        </label>
      </div>
      {lines.length === 0 && <p>{t("catalogue.noLines")}</p>}
      {lines.length > 0 && (
        <Table label={t("catalogue.weights")} columns={columns}>
          {shown.map((line) => {
            const { model_size_in_billions: size, model_format: format, quantization } = line.weights;
            return <WeightsRow key={`${size} ${format} ${quantization}`} name={model.name} line={line} admin={admin} />;
          })}
        </Table>
      )}
      {lines.length > shown.length && (
        <Button onClick={() => setWhole(true)}>{t("catalogue.allLines", { number: lines.length })}</Button>
      )}
      <p className={styles.note}>{t("catalogue.estimated")}</p>
    </Card>
  );
}
