package service

import (
	"context"
	"fmt"
	"slices"

	"portolan/api"
	"portolan/internal/state"
	"portolan/routing"
)

const (
	maxAnnouncements = 10_000 // routes of a core network on AWS
	maxASPath        = 255
	maxCommunities   = 255
)

// PutAnnouncements sets all that an attachment or a Connect peer announces; an empty list takes everything back. Who
// owns the core network may say it, and who owns the attachment.
func (s *Service) PutAnnouncements(ctx context.Context, id string, list []routing.Announcement) error {
	_, err := state.Update(ctx, s.db, func(tx *state.Txn) (*struct{}, error) {
		owner, coreNetwork, edges, err := findSpeaker(tx.View, id)
		if err != nil {
			return nil, err
		}
		if err := checkAnnouncements(list, edges); err != nil {
			return nil, err
		}
		key := state.Announcements.Key(owner, coreNetwork, id)
		_, before := state.Announcements.Get(tx.View, key)
		if peer, ok := state.ConnectPeers.ByID(tx.View, id); ok && before != (len(list) > 0) {
			if _, held := peer.Sessions(tx.View); !held { // without sessions a peer is up when something is announced for it
				tx.ConnectPeerStatus(peer, len(list) > 0, "")
			}
		}
		if len(list) == 0 {
			state.Announcements.Delete(tx, key)
			return &struct{}{}, nil
		}
		row := state.AnnouncementSet{ID: id, CoreNetworkId: coreNetwork, UpdatedAt: tx.Time(), Announcements: state.AnnouncementsOf(list)}
		state.Announcements.Put(tx, key, &row)
		return &struct{}{}, nil
	})
	return err
}

// Announcements is what was put for an attachment or a Connect peer.
func (s *Service) Announcements(ctx context.Context, id string) ([]routing.Announcement, error) {
	return state.Read(ctx, s.db, func(v *state.View) ([]routing.Announcement, error) {
		owner, coreNetwork, _, err := findSpeaker(v, id)
		if err != nil {
			return nil, err
		}
		if row, ok := state.Announcements.Get(v, state.Announcements.Key(owner, coreNetwork, id)); ok {
			return row.Routing(), nil
		}
		return []routing.Announcement{}, nil
	})
}

// findSpeaker finds who announces: an attachment, or a peer of a Connect attachment.
func findSpeaker(v *state.View, id string) (owner, coreNetwork string, edges []string, err error) {
	if peer, ok := state.ConnectPeers.ByID(v, id); ok {
		if _, err := findConnectPeer(v, id); err != nil {
			return "", "", nil, err
		}
		return peer.OwnerAccountId, peer.CoreNetworkId, []string{peer.EdgeLocation}, nil
	}
	row, err := findAttachment(v, id)
	if err != nil {
		return "", "", nil, err
	}
	return state.AccountOf(row.CoreNetworkArn), row.CoreNetworkId, row.Edges(), nil
}

func checkAnnouncements(list []routing.Announcement, edges []string) error {
	if len(list) > maxAnnouncements {
		return api.InvalidField("announcements", fmt.Sprintf("Member must have length less than or equal to %d.", maxAnnouncements))
	}
	var fields []api.FieldError
	wrong := func(i int, member, message string) {
		fields = append(fields, api.FieldError{Name: fmt.Sprintf("announcements[%d].%s", i, member), Message: message})
	}
	for i := range list {
		a := &list[i]
		if !a.Prefix.IsValid() || a.Prefix.Addr().Is4In6() {
			wrong(i, "prefix", "Member must be an IPv4 or IPv6 prefix.")
		}
		if a.Edge != "" && !slices.Contains(edges, a.Edge) {
			wrong(i, "edge", "The attachment is not at this edge location.")
		}
		if len(a.ASPath) > maxASPath {
			wrong(i, "asPath", fmt.Sprintf("Member must have length less than or equal to %d.", maxASPath))
		}
		if slices.Contains(a.ASPath, 0) {
			wrong(i, "asPath", "AS 0 is reserved.")
		}
		if len(a.Communities) > maxCommunities {
			wrong(i, "communities", fmt.Sprintf("Member must have length less than or equal to %d.", maxCommunities))
		}
		if len(fields) > maxIDs {
			break
		}
	}
	return invalid(fields)
}
