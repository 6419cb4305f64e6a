#!/bin/busybox sh
# The first program of the guest machine: brings the disk up and runs the writer on it.
b=/bin/busybox
$b mkdir -p /proc /sys /dev /tmp /disk
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for m in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
    [ -f "/lib/$m.ko" ] && $b insmod "/lib/$m.ko"
done
$b mount -t ext4 /dev/vda /disk || { echo "WRITER-EXIT no disk"; $b poweroff -f; }
# The writer's arguments come on the kernel's command line, with commas for spaces.
/bin/writer $($b sed -n 's/.*writer=\([^ ]*\).*/\1/p' /proc/cmdline | $b tr ',' ' ')
echo "WRITER-EXIT $?"
$b poweroff -f
