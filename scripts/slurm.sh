#!/usr/bin/env bash
# A Slurm of one node, this machine, for tests: its controller, its node daemon and its munge, all in a folder of their own.
#
#     scripts/slurm.sh install      install Debian's packages (as root)
#     scripts/slurm.sh start DIR    start it in DIR (as root); clients find it through SLURM_CONF=DIR/slurm.conf
#     scripts/slurm.sh stop DIR     stop what was started there
#
# It has no accounting (sacct does not work), kills steps that use more memory than they asked for, and listens on ports
# of its own, so that it leaves another Slurm on this machine alone.
set -euo pipefail

fail() { printf 'slurm.sh: %s\n' "$*" >&2; exit 1; }

install() {
  if command -v sbatch slurmctld slurmd munged >/dev/null; then return; fi
  command -v apt-get >/dev/null || fail "no apt-get: install slurmctld, slurmd, slurm-client and munge by other means"
  [ "$(id -u)" = 0 ] || fail "install needs root"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
}

configure() {
  local host memory
  host=$(hostname -s)
  memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
  cat > "$1/slurm.conf" <<CONF
ClusterName=hepex
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$1/munge/socket
CryptoType=crypto/munge
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/spool
SlurmctldPidFile=$1/slurmctld.pid
SlurmdPidFile=$1/slurmd.pid
SlurmctldLogFile=$1/log/slurmctld.log
SlurmdLogFile=$1/log/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
MaxArraySize=10001
MinJobAge=3600
KillWait=5
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

start() {
  [ "$(id -u)" = 0 ] || fail "start needs root"
  command -v slurmctld slurmd munged >/dev/null || fail "Slurm is not installed: scripts/slurm.sh install"
  mkdir -p "$1"
  local dir
  dir=$(cd "$1" && pwd)
  mkdir -p "$dir"/{state,spool,log,munge}
  head -c 1024 /dev/urandom > "$dir/munge/key"
  chmod 400 "$dir/munge/key"
  chmod a+x "$dir" "$dir/munge" # munged insists
  munged --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
    --seed-file="$dir/munge/seed" --log-file="$dir/munge/log"
  configure "$dir"
  export SLURM_CONF=$dir/slurm.conf
  slurmctld -f "$SLURM_CONF"
  slurmd -f "$SLURM_CONF"
  for _ in $(seq 60); do
    if sinfo -h -o %T 2>/dev/null | grep -q idle; then return; fi
    sleep 0.5
  done
  tail -n 20 "$dir"/log/*.log >&2
  stop "$dir"
  fail "the node did not become idle"
}

running() { [ -r "/proc/$1/status" ] && ! grep -q '^State:.*zombie' "/proc/$1/status"; }

# stop ends the processes whose ids lie in DIR, and waits for them.
stop() {
  local pid file
  for file in "$1/slurmd.pid" "$1/slurmctld.pid" "$1/munge/pid"; do
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 100); do
      running "$pid" || break
      sleep 0.1
    done
  done
}

case "${1:-} $#" in
  "install 1") install ;;
  "start 2") start "$2" ;;
  "stop 2") stop "$2" ;;
  *) fail "want install, start DIR or stop DIR" ;;
esac
