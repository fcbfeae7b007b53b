import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { cacheQuery } from "../../api/cache";
import { bytes, decimal } from "../../lib/numbers";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Table } from "../../ui/Table";
import { Arrange } from "./Arrange";
import { arranged, shownOf } from "./held";
import { RepositoryRow } from "./RepositoryRow";

const route = getRouteApi("/cache");

/** The repositories that were fetched, and how much room there is. */
export function Repositories({ onDone }: { onDone: (said: string) => void }) {
  const { t, i18n } = useTranslation();
  const shown = shownOf(route.useSearch());
  const { data, error, isPending, refetch } = useQuery(cacheQuery);
  const all = data?.list ?? [];
  const found = arranged(all, shown);
  const size = (count: number) => bytes(count, i18n.language);
  const facts = [
    [t("cache.repositories"), decimal(all.length, i18n.language)],
    [t("cache.total"), size(all.reduce((sum, one) => sum + one.size_bytes, 0))],
    [t("cache.free"), size(data?.free_bytes ?? 0)],
  ] as const;
  const columns = [
    t("cache.repository"),
    t("cache.size"),
    t("cache.files"),
    t("cache.usedBy"),
    t("cache.read"),
    t("cache.whenFetched"),
    t("cache.actions"),
  ];
  return (
    <Card title={t("cache.here")}>
      {error && <Failure error={error} again={refetch} />}
      {isPending && !error && <Loading />}
      {data && <FactList facts={facts} />}
      {data && all.length === 0 && <p>{t("cache.none")}</p>}
      {all.length > 0 && <Arrange shown={shown} />}
      {all.length > 0 && found.length === 0 && <p>{t("cache.noneLike")}</p>}
      {found.length > 0 && (
        <Table label={t("cache.here")} columns={columns}>
          {found.map((one) => (
            <RepositoryRow key={one.path} held={one} onDone={onDone} />
          ))}
        </Table>
      )}
    </Card>
  );
}
