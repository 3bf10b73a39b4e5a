#!/bin/bash
# A Slurm of one node on the loopback interface, with everything it writes in one directory.
#
#   slurm-node.sh start DIR    starts munged, slurmctld and slurmd; exits 77 with the reason where that is not possible
#   slurm-node.sh stop DIR     ends them
#
# After start, SLURM_CONF=DIR/slurm.conf makes sbatch and its like speak to this one.
set -eu
action=$1 dir=$2

not_possible() {
    echo "$*" >&2
    exit 77
}

# A TCP port that nobody listens on.
free_port() {
    port=$(($(od -An -N2 -tu2 /dev/urandom) % 20000 + 20000))
    while grep -qi ":$(printf %04X $port) " /proc/net/tcp; do port=$((port + 1)); done
    echo $port
}

wait_for() {
    tries=0
    until eval "$2"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || {
            tail -n 5 "$dir"/*.log >&2 2>/dev/null || true
            not_possible "$1 did not start"
        }
        sleep 0.1
    done
}

stop() {
    for name in slurmd slurmctld munged; do
        pid=$(cat "$dir/$name.pid" 2>/dev/null) || continue
        kill "$pid" 2>/dev/null || continue
        # It saves its state before it ends; then nothing is written any more.
        for _ in $(seq 100); do
            [ -d "/proc/$pid" ] || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    done
}

start() {
    # The daemons must not hold what the caller's process has open: who waits for its end would wait for theirs.
    for fd in $(ls /proc/$$/fd); do
        if [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then eval "exec $fd>&-"; fi
    done
    [ "$(id -u)" = 0 ] || not_possible "Slurm's daemons are started by root"
    for program in munged slurmctld slurmd sbatch; do
        command -v $program >/dev/null || not_possible "there is no $program (Debian: slurm-wlm, munge)"
    done
    mkdir -p "$dir/state" "$dir/spool"
    chmod 755 "$dir"
    umask 077
    dd if=/dev/urandom of="$dir/munge.key" bs=1024 count=1 2>/dev/null
    umask 022
    # --force: a directory for temporary files is nobody's usual place for a socket.
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" --pid-file="$dir/munged.pid" \
        --seed-file="$dir/munge.seed" --log-file="$dir/munged.log" || not_possible "munged did not start"
    wait_for munged "[ -S '$dir/munge.sock' ]"
    node=$(hostname -s)
    cat > "$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$dir/munge.sock,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
ReturnToService=2
KillWait=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld -f "$SLURM_CONF" || not_possible "slurmctld did not start"
    wait_for slurmctld "scontrol ping 2>/dev/null | grep -q 'is UP'"
    slurmd -f "$SLURM_CONF" -N "$node" || not_possible "slurmd did not start: $(tail -n 1 "$dir/slurmd.log")"
    wait_for slurmd "[ \"\$(sinfo -h -o %t 2>/dev/null)\" = idle ]"
}

case $action in
    start) start ;;
    stop) stop ;;
esac
