import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ApiError } from "../api/errors";
import { Page } from "../ui/Page";
import { Failure } from "./Failure";
import { Loading } from "./Loading";

interface Props<T> {
  title: string;
  asked: Pick<UseQueryResult<T>, "data" | "error" | "refetch">;
  /** What is said where there is none with this id, and the way to all of its kind. */
  gone: string;
  toAll: string;
  list: "/files" | "/jobs" | "/batches";
  actions?: (thing: T) => ReactNode;
  /** What is said above it. */
  notes?: ReactNode;
  children: (thing: T) => ReactNode;
}

/** The page of one thing, which its address names by an id. */
export function OneOf<T>({ title, asked, gone, toAll, list, actions, notes, children }: Props<T>) {
  const { data, error, refetch } = asked;
  if (isMissing(error))
    return (
      <Page title={title}>
        <p>{gone}</p>
        <p>
          <Link to={list}>{toAll}</Link>
        </p>
      </Page>
    );
  return (
    <Page title={title} actions={data && actions?.(data)}>
      {notes}
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && children(data)}
    </Page>
  );
}

/** Whether there is nothing with this id, or can be nothing. Pure. */
export function isMissing(error: Error | null): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 404 || (error.status === 400 && error.param === "id");
}
