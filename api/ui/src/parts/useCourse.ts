import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Course, followJob, UNKNOWN } from "../api/jobEvents";
import { keys } from "../api/queries";

/** How far a job is, as its events tell, while `follows`. A change of its state has the job asked again. */
export function useCourse(id: string, follows: boolean): Course {
  const client = useQueryClient();
  const [course, setCourse] = useState<Course>(UNKNOWN);
  const { state } = course;
  useEffect(() => {
    if (!follows) return;
    const control = new AbortController();
    void followJob(id, control.signal, setCourse);
    return () => control.abort();
  }, [id, follows]);
  useEffect(() => {
    if (!state) return;
    for (const part of [["one", id], ["list"]]) void client.invalidateQueries({ queryKey: [...keys.jobs, ...part] });
  }, [client, id, state]);
  return course;
}
