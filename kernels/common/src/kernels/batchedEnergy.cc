/*
 * Energies of many conformations of the same atoms, in double precision: `real` is double here. The tables of
 * BatchedTerms have their names in capital letters. Coordinates and whatever else belongs to an atom of a conformation
 * are stored with the conformation running fastest, so that neighboring threads read neighboring memory. Each thread
 * takes an atom of a conformation; of the bonded terms it takes every NUM_PARTICLES-th.
 */
#ifndef USE_DOUBLE_PRECISION
#error energies of many conformations need a Context in double precision
#endif
#define TABLES GLOBAL const int* RESTRICT integers, GLOBAL const real* RESTRICT reals
#define PLACES GLOBAL const real* RESTRICT positions, int count, int conformation

DEVICE real3 placeOf(int atom, PLACES) {
    int start = 3 * atom * count + conformation;
    return make_real3(positions[start], positions[start + count], positions[start + 2 * count]);
}

DEVICE real3 vectorTo(int to, int from, PLACES) {
    return placeOf(to, positions, count, conformation) - placeOf(from, positions, count, conformation);
}

/** From conformations one after the other to coordinates one after the other. */
KERNEL void transposePositions(int count, GLOBAL const real* RESTRICT rows, GLOBAL real* RESTRICT positions) {
    FOR_EACH(i, 3 * NUM_PARTICLES * count) {
        int coordinate = i / count, conformation = i - coordinate * count;
        positions[i] = rows[conformation * 3 * NUM_PARTICLES + coordinate];
    }
}

DEVICE real sumBonds(int first, TABLES, PLACES) {
    real energy = 0;
    for (int i = first; i < NUM_BONDS; i += NUM_PARTICLES) {
        real3 bond = vectorTo(BOND_ATOMS[2 * i + 1], BOND_ATOMS[2 * i], positions, count, conformation);
        real stretch = sqrt(dot(bond, bond)) - BOND_PARAMETERS[2 * i];
        energy += BOND_PARAMETERS[2 * i + 1] * stretch * stretch;
    }
    return energy;
}

DEVICE real sumAngles(int first, TABLES, PLACES) {
    real energy = 0;
    for (int i = first; i < NUM_ANGLES; i += NUM_PARTICLES) {
        GLOBAL const int* atoms = ANGLE_ATOMS + 3 * i;
        real3 a = vectorTo(atoms[0], atoms[1], positions, count, conformation);
        real3 b = vectorTo(atoms[2], atoms[1], positions, count, conformation);
        real3 normal = cross(a, b);
        real bend = atan2(sqrt(dot(normal, normal)), dot(a, b)) - ANGLE_PARAMETERS[2 * i];
        energy += ANGLE_PARAMETERS[2 * i + 1] * bend * bend;
    }
    return energy;
}

/** Cosine and sine of a torsion. If three atoms lie on a line it is 90 degrees, as in OpenMM. */
DEVICE real2 torsionOf(GLOBAL const int* RESTRICT atoms, PLACES) {
    real3 first = vectorTo(atoms[0], atoms[1], positions, count, conformation);
    real3 axis = vectorTo(atoms[2], atoms[1], positions, count, conformation);
    real3 last = vectorTo(atoms[2], atoms[3], positions, count, conformation);
    real3 left = cross(first, axis), right = cross(axis, last);
    real squares = dot(left, left) * dot(right, right);
    if (squares == 0)
        return make_real2(0, 1);
    real scale = 1 / sqrt(squares);
    return make_real2(dot(left, right) * scale, dot(first, right) * sqrt(dot(axis, axis)) * scale);
}

/** Sum of harmonics by Clenshaw's recurrence. */
DEVICE real sumHarmonics(int i, real2 torsion, TABLES) {
    real c1 = 0, c2 = 0, s1 = 0, s2 = 0;
    for (int k = TORSION_STARTS[i + 1] - 1; k >= TORSION_STARTS[i]; k--) {
        real c = 2 * torsion.x * c1 - c2 + TORSION_COSINES[k], s = 2 * torsion.x * s1 - s2 + TORSION_SINES[k];
        c2 = c1;
        c1 = c;
        s2 = s1;
        s1 = s;
    }
    return torsion.x * c1 - c2 + torsion.y * s1;
}

DEVICE real sumTorsions(int first, TABLES, PLACES) {
    real energy = 0;
    for (int i = first; i < NUM_TORSIONS; i += NUM_PARTICLES) {
        real2 torsion = torsionOf(TORSION_ATOMS + 4 * i, positions, count, conformation);
        energy += sumHarmonics(i, torsion, integers, reals);
    }
    return energy;
}

/** A bicubic patch; positions that are not numbers take the first one, and their energy is not a number either. */
DEVICE real evaluateMap(GLOBAL const real* RESTRICT coefficients, int size, real a, real b) {
    int isNumber = (a >= 0 && b >= 0);
    int i = isNumber ? (a < size ? (int) a : size - 1) : 0, j = isNumber ? (b < size ? (int) b : size - 1) : 0;
    GLOBAL const real* c = coefficients + 16 * (i + size * j);
    real da = a - i, db = b - j, energy = 0;
    for (int k = 3; k >= 0; k--)
        energy = da * energy + ((c[4 * k + 3] * db + c[4 * k + 2]) * db + c[4 * k + 1]) * db + c[4 * k];
    return energy;
}

/** Place of a torsion, from 0 to 2 pi, on the grid of a map. */
DEVICE real placeOnMap(real2 torsion, int size) {
    real angle = atan2(torsion.y, torsion.x);
    return (angle < 0 ? angle + 6.283185307179586 : angle) * (size / 6.283185307179586);
}

DEVICE real sumCmaps(int first, TABLES, PLACES) {
    real energy = 0;
    for (int i = first; i < NUM_CMAPS; i += NUM_PARTICLES) {
        int size = CMAP_SIZES[i];
        real a = placeOnMap(torsionOf(CMAP_ATOMS + 8 * i, positions, count, conformation), size);
        real b = placeOnMap(torsionOf(CMAP_ATOMS + 8 * i + 4, positions, count, conformation), size);
        energy += evaluateMap(CMAP_COEFFICIENTS + CMAP_STARTS[i], size, a, b);
    }
    return energy;
}

/** What one atom's volume adds to the Born integral of another, times 2. */
DEVICE real descreen(real radius, real scaled, real r) {
    if (radius >= r + scaled)
        return 0;
    real distance = fabs(r - scaled), l = 1 / (radius > distance ? radius : distance), u = 1 / (r + scaled);
    real squares = l * l - u * u, inverseR = 1 / r;
    real term =
        l - u - 0.25 * r * squares + inverseR * (0.5 * log(u / l) + 0.25 * scaled * scaled * squares);
    return radius < scaled - r ? term + 2 * (1 / radius - l) : term;
}

/** Inverse Born radii. */
KERNEL void computeBornRadii(int count, TABLES, GLOBAL const real* RESTRICT positions,
        GLOBAL real* RESTRICT inverseRadii) {
#ifdef HAS_BORN
    FOR_EACH(item, NUM_PARTICLES * count) {
        int i = item / count, conformation = item - i * count;
        real offsetRadius = BORN_OFFSET_RADII[i], integral = 0;
        for (int j = 0; j < NUM_PARTICLES; j++) {
            real3 delta = vectorTo(j, i, positions, count, conformation);
            if (i != j)
                integral += descreen(offsetRadius, BORN_SCALED_RADII[j], sqrt(dot(delta, delta)));
        }
        real psi = 0.5 * offsetRadius * integral;
        real argument = psi * (1 + psi * (psi * 4.85 - 0.8));
        inverseRadii[item] = 1 / offsetRadius - tanh(argument) / BORN_RADII[i];
    }
#endif
}

/** Coulomb and Lennard-Jones energies of an atom with those that come after it. */
DEVICE real sumPairs(int i, TABLES, PLACES) {
    real energy = 0;
#ifdef HAS_PAIRS
    mm_long start = (mm_long) i * NUM_PARTICLES - (mm_long) i * (i + 1) / 2 - i - 1;
    for (int j = i + 1; j < NUM_PARTICLES; j++) {
        real3 delta = vectorTo(j, i, positions, count, conformation);
        real inverseR = 1 / sqrt(dot(delta, delta)), inverse2 = inverseR * inverseR;
        real inverse6 = inverse2 * inverse2 * inverse2;
        energy += inverse6 * (PAIR_REPULSION[start + j] * inverse6 - PAIR_ATTRACTION[start + j]) +
                  PAIR_COULOMB[start + j] * inverseR;
    }
#endif
    return energy;
}

/** Surface term and self energy of an atom, and energies in each other's reaction field with those that come after. */
DEVICE real sumBorn(int i, TABLES, PLACES, GLOBAL const real* RESTRICT inverseRadii) {
    real energy = 0;
#ifdef HAS_BORN
    real inverse = inverseRadii[i * count + conformation], sum = 0.5 * BORN_CHARGES[i] * inverse;
    for (int j = i + 1; j < NUM_PARTICLES; j++) {
        real3 delta = vectorTo(j, i, positions, count, conformation);
        real r2 = dot(delta, delta), product = inverse * inverseRadii[j * count + conformation];
        sum += BORN_CHARGES[j] / sqrt(r2 + exp(-0.25 * r2 * product) / product);
    }
    real ratio = BORN_RADII[i] * inverse, ratio3 = ratio * ratio * ratio;
    energy = BORN_SIGN[0] * BORN_CHARGES[i] * sum + (inverse > 0 ? BORN_SURFACE[i] * ratio3 * ratio3 : 0);
#endif
    return energy;
}

/** Each atom's share of the energies. */
KERNEL void computeShares(int count, TABLES, GLOBAL const real* RESTRICT positions,
        GLOBAL const real* RESTRICT inverseRadii, GLOBAL real* RESTRICT shares) {
    FOR_EACH(item, NUM_PARTICLES * count) {
        int i = item / count, conformation = item - i * count;
        shares[item] = sumBonds(i, integers, reals, positions, count, conformation) +
                       sumAngles(i, integers, reals, positions, count, conformation) +
                       sumTorsions(i, integers, reals, positions, count, conformation) +
                       sumCmaps(i, integers, reals, positions, count, conformation) +
                       sumPairs(i, integers, reals, positions, count, conformation) +
                       sumBorn(i, integers, reals, positions, count, conformation, inverseRadii);
    }
}

/** Energies, always summed in the same order. */
KERNEL void sumShares(int count, TABLES, GLOBAL const real* RESTRICT shares, GLOBAL real* RESTRICT energies) {
    FOR_EACH(conformation, count) {
        real energy = CONSTANT_ENERGY[0];
        for (int i = 0; i < NUM_PARTICLES; i++)
            energy += shares[i * count + conformation];
        energies[conformation] = energy;
    }
}
