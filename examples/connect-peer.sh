#!/usr/bin/env bash
# Builds a network down to a Connect peer on a device, and leaves its ids in ./portolan-session.
# Point the AWS CLI at the server first, as `portolan serve` prints it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export AWS_PAGER=

nm() { aws networkmanager ${AWS_ENDPOINT_URL_NETWORKMANAGER:+--endpoint-url "$AWS_ENDPOINT_URL_NETWORKMANAGER"} "$@" --output text; }

# wait_for STATE COMMAND…: until the command prints the state
wait_for() {
	local want=$1
	shift
	for _ in $(seq 600); do
		[ "$(nm "$@")" = "$want" ] && return
		sleep 1
	done
	echo "$*: not $want after 10 minutes" >&2
	exit 1
}

GN=$(nm create-global-network --description "Connect peer example" --query GlobalNetwork.GlobalNetworkId)
SITE=$(nm create-site --global-network-id "$GN" --location Address="1 Main St" --query Site.SiteId)
DEVICE=$(nm create-device --global-network-id "$GN" --site-id "$SITE" --vendor acme --query Device.DeviceId)
CN=$(nm create-core-network --global-network-id "$GN" --policy-document "file://$here/policy.json" --query CoreNetwork.CoreNetworkId)
wait_for AVAILABLE get-core-network --core-network-id "$CN" --query CoreNetwork.State

EC2=arn:aws:ec2:eu-west-1:111122223333
VPC=$(nm create-vpc-attachment --core-network-id "$CN" --vpc-arn $EC2:vpc/vpc-0123456789abcdef0 \
	--subnet-arns $EC2:subnet/subnet-0123456789abcdef0 --query VpcAttachment.Attachment.AttachmentId)
wait_for AVAILABLE get-vpc-attachment --attachment-id "$VPC" --query VpcAttachment.Attachment.State
CONNECT=$(nm create-connect-attachment --core-network-id "$CN" --edge-location eu-west-1 --transport-attachment-id "$VPC" \
	--options Protocol=GRE --query ConnectAttachment.Attachment.AttachmentId)
wait_for AVAILABLE get-connect-attachment --attachment-id "$CONNECT" --query ConnectAttachment.Attachment.State
PEER=$(nm create-connect-peer --connect-attachment-id "$CONNECT" --peer-address 10.0.0.5 \
	--inside-cidr-blocks 169.254.40.0/29 --query ConnectPeer.ConnectPeerId)
wait_for AVAILABLE get-connect-peer --connect-peer-id "$PEER" --query ConnectPeer.State
nm associate-connect-peer --global-network-id "$GN" --connect-peer-id "$PEER" --device-id "$DEVICE" \
	--query ConnectPeerAssociation.State

printf 'export GN=%s CN=%s DEVICE=%s PEER=%s\n' "$GN" "$CN" "$DEVICE" "$PEER" >portolan-session
