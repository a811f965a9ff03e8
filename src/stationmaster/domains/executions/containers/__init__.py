"""Work in containers: what may run, how it is shut in, and what its end means.

A container belongs to one attempt, and its name says so (`execution-ID-ATTEMPT`). The engine allows one container of each
name, so an attempt has one container whatever crashes. Its life:

    handle kept ──create──▶ created ──inputs put in, start──▶ running ──▶ exited ──▶ result kept ──reaper──▶ removed

- A replica that takes an attempt over looks for the name: a running container is followed (its log comes again, and the
  journal leaves out what it has), an exited one is judged, one that was never started is made anew. One that was started
  and is not there any more is lost: nobody can know what became of it.
- An engine that goes away is waited for (`docker.patience`); a container that died with it has not failed by itself.
- Nothing here removes a container whose attempt is under way: the reaper does, once the attempt has ended in the database.
"""
