#ifndef OPENMM_SOFTCOORDINATES_H_
#define OPENMM_SOFTCOORDINATES_H_

#include "genmd/windowsExportGenMD.h"
#include "openmm/Vec3.h"
#include <array>
#include <vector>

namespace OpenMM {

class SerializationNode;

/** Where a body is and how it is turned: an origin in nm and three orthonormal axes. */
struct BodyPose {
    Vec3 origin;
    std::array<Vec3, 3> axes;
};

/** Values of SoftCoordinates: angles in rad, poses and positions in nm. */
struct SoftValues {
    std::vector<double> torsions;
    std::vector<BodyPose> frames;
    std::vector<Vec3> points;
};

/** The shortest way from one set of values to another. */
struct SoftStep {
    /** In [-pi, pi], in rad. */
    std::vector<double> torsions;
    /** How far the origins of frames move, in nm. */
    std::vector<Vec3> shifts;
    /** About which axis, and by which angle in rad, frames turn. */
    std::vector<Vec3> turns;
    /** In nm. */
    std::vector<Vec3> points;
};

/**
 * The coordinates along which a leap is dragged: torsions, frames of rigid bodies (residues, a ligand), and single
 * particles. Each says which particles follow it.
 *
 * Particles are indices into the System, or after localTo() into the list of particles that a proposer moves, which is
 * what all methods on positions take.
 */
class OPENMM_EXPORT_GENMD SoftCoordinates {
public:
    struct Torsion {
        std::array<int, 4> atoms;
        std::vector<int> moving;
    };
    struct Frame {
        std::array<int, 3> atoms;
        std::vector<int> group;
    };
    SoftCoordinates();
    /**
     * Add the torsion i-j-k-l.
     *
     * @param moving   the particles that turn about j-k: one side of the bond, with its atom of the bond (j or k).
     *                 Sides of different torsions must be nested or disjoint. Throws an OpenMMException if neither j
     * nor k, or both, are among them.
     */
    void addTorsion(int i, int j, int k, int l, const std::vector<int>& moving);
    /**
     * Add a frame, which has its origin in a, its first axis towards b, and c in its plane.
     *
     * @param group   the particles that follow as a rigid body
     */
    void addFrame(int a, int b, int c, const std::vector<int>& group);
    /** Add the position of a particle. */
    void addPoint(int particle);
    const std::vector<Torsion>& getTorsions() const {
        return torsions;
    }
    const std::vector<Frame>& getFrames() const {
        return frames;
    }
    const std::vector<int>& getPoints() const {
        return points;
    }
    /**
     * Throw an OpenMMException that says what is wrong, unless values of the coordinates can be chosen independently: a
     * particle is a point once and follows nothing else then, a frame lies in its own group, groups are disjoint, and
     * only torsions superpose.
     */
    void requireIndependent() const;
    bool isEmpty() const {
        return torsions.empty() && frames.empty() && points.empty();
    }
    /**
     * Set whether the molecule is turned and shifted as a whole on its way, so that its particles sweep through as
     * little of their surroundings as possible. The end of the way is then a rigid motion of what was proposed, which
     * keeps the Boltzmann distribution if the proposal's density does not depend on the pose.
     */
    void setSuperposes(bool superposes);
    bool getSuperposes() const {
        return superposes;
    }
    /** Set how closely particles follow when they are dragged: standard deviations in rad, nm, and rad. */
    void setWidths(double torsionWidth, double positionWidth, double rotationWidth);
    double getTorsionWidth() const {
        return torsionWidth;
    }
    double getPositionWidth() const {
        return positionWidth;
    }
    double getRotationWidth() const {
        return rotationWidth;
    }
    /** Get the same coordinates in terms of places in a list of particles. Throws an OpenMMException if one is not in
     * it. */
    SoftCoordinates localTo(const std::vector<int>& particles) const;
    /** Take away the points that are marked, after localTo(). */
    void removePoints(const std::vector<bool>& marked);
    /** Get the particles that the coordinates are measured from or that follow them, without repetition. */
    std::vector<int> getParticles() const;
    /**
     * Throw an OpenMMException if particles between which a coordinate is measured are further apart than that, in nm:
     * then the molecule is broken across the borders of a periodic box.
     */
    void requireWhole(const std::vector<Vec3>& positions, double longest) const;
    /** Measure the coordinates. */
    SoftValues measure(const std::vector<Vec3>& positions) const;
    /** Get the shortest way from some values to others. */
    SoftStep getStep(const SoftValues& from, const SoftValues& to) const;
    /** Go a part of a way. */
    SoftValues advance(const SoftValues& from, const SoftStep& step, double fraction) const;
    /** Get positions with given values of the coordinates and everything else as it is. */
    std::vector<Vec3> place(const SoftValues& values, const std::vector<Vec3>& positions) const;
    void serialize(SerializationNode& node) const;
    static SoftCoordinates deserialize(const SerializationNode& node);

private:
    std::vector<Torsion> torsions;
    std::vector<Frame> frames;
    std::vector<int> points;
    bool superposes;
    double torsionWidth, positionWidth, rotationWidth;
};

} // namespace OpenMM

#endif /*OPENMM_SOFTCOORDINATES_H_*/
