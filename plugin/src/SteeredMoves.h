#ifndef OPENMM_STEEREDMOVES_H_
#define OPENMM_STEEREDMOVES_H_

#include "MorphPath.h"
#include "SoftCoupling.h"
#include "SwitchingMove.h"
#include "genmd/SoftCoordinates.h"
#include <memory>

namespace OpenMM {

/** Places the moved particles along a way that is given beforehand. */
class MorphMove : public SwitchingMove {
public:
    /** @param reach   the longest root mean square displacement, in nm */
    MorphMove(const SoftCoordinates& coordinates, double reach);
    RejectionReason begin(SwitchingHost& host);
    void change(SwitchingHost& host, double progress);
    std::vector<Vec3> getWay(double progress) const;

private:
    SoftCoordinates coordinates, local;
    double reach;
    std::unique_ptr<MorphPath> path;
};

/** Drags the center of springs. */
class CouplingMove : public SwitchingMove, private AddedPotential {
public:
    explicit CouplingMove(const SoftCoordinates& coordinates);
    RejectionReason begin(SwitchingHost& host);
    void change(SwitchingHost& host, double progress);
    bool changesPotential() const {
        return false;
    }

private:
    double evaluate(const std::vector<Vec3>& positions, std::vector<Vec3>* forces);
    SoftCoordinates coordinates, local;
    std::vector<int> particles;
    std::unique_ptr<SoftCoupling> coupling;
    SoftValues start, center;
    SoftStep step;
};

} // namespace OpenMM

#endif /*OPENMM_STEEREDMOVES_H_*/
